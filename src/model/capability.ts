/** What a source may do outside of its box, where its descriptor and its account both say so. */
export const CAPABILITIES = ['spawn'] as const
export type Capability = (typeof CAPABILITIES)[number]
