/** What a job does about records of a new shape: stores them, stores them and notifies, or fails before they are stored. */
export const SCHEMA_POLICIES = ['evolve', 'warn', 'freeze'] as const
export type SchemaPolicy = (typeof SCHEMA_POLICIES)[number]
