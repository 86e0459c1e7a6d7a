const NUMBER = new Intl.NumberFormat('en-US')

/** Names a number of things: `1 row`, `2,000 rows`. */
export const counted = (count: number, noun: string): string =>
  count === 1 ? `1 ${noun}` : `${NUMBER.format(count)} ${noun}s`
