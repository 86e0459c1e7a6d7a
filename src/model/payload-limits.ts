/** A payload beyond these is rejected, because it would fail all that is loaded with it. */
export interface PayloadLimits {
  /** A payload is nested in at most so many levels. */
  readonly levels: number
  /** Its JSON text takes at most so many bytes of UTF-8. */
  readonly bytes: number
  /** It may hold numbers that are neither 64-bit integers nor doubles. */
  readonly wideNumbers: boolean
}
