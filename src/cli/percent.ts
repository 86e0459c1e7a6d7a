import {usageError} from '../base/errors.ts'

/** Reads the value of a flag that is a share: more than 0 and up to 100 percent, with or without the sign. */
export function percentIn(written: string, flag: string): number {
  const [, percent] = /^(\d{1,3}(?:\.\d{1,4})?)%?$/.exec(written) ?? []
  if (percent !== undefined && Number(percent) > 0 && Number(percent) <= 100) return Number(percent)
  throw usageError(`--${flag} ${written} is no share`, {
    code: 'E_USAGE_FLAGS',
    next: `Write it in percent, more than 0 and up to 100: --${flag} 5%`,
  })
}
