/** A statement bills at least so many bytes for each table that it names (Google, "BigQuery pricing"). */
export const LEAST_BILLED = 10 * 1024 * 1024
