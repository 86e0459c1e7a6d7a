const BYTE_UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'] as const

/** Formats `31.5 MB`, in powers of 1,000. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), BYTE_UNITS.length - 1)
  const unit = BYTE_UNITS[power] ?? 'byte'
  const format = new Intl.NumberFormat('en-US', {style: 'unit', unit, maximumFractionDigits: 1})
  return format.format(bytes / 1000 ** power)
}
