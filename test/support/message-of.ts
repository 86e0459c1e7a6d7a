/** Of the error with which it must end. */
export async function messageOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error.message
    throw error
  }
  throw new Error('there was no error')
}
