/** Of the error with which it must end. */
export const messageOf = async (promise: Promise<unknown>): Promise<string> => (await errorOf(promise)).message

export async function errorOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
  throw new Error('there was no error')
}
