/** Names of jobs, accounts, sources, source systems and object types. */
export const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/
