/** These HTTP statuses pass: the same request may be answered well when it is sent again. */
export const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504])
