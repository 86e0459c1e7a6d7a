import {failure, LorchestraError} from '../base/errors.ts'

/** Gives an error of the operating system the place and what to do. */
export async function writingTemporaryFiles<Result>(folder: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error) || error instanceof LorchestraError) throw error
    throw failure(`temporary files cannot be written in ${folder}`, {
      code: 'E_TEMPORARY_FILES',
      next: 'Make room there and see that it is a folder of yours, or set HOME or XDG_CACHE_HOME to another one.',
      cause: error,
    })
  }
}
