/** Stands for a number that differs from record to record. */
const ANY_NUMBER = '…'

/** Gives what reasons have in common that name the size of each record. */
export const kindOfReason = (reason: string): string => reason.replaceAll(/\d+(?:[.,]\d+)*/g, ANY_NUMBER)

/** Gives one reason for many records of one kind: its numbers stay where they are the same for all. */
export const commonReason = (one: string, other: string): string => (one === other ? one : kindOfReason(one))
