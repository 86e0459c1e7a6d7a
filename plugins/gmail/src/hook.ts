import type {SourcesHook} from 'lorchestra'

const hook: SourcesHook = () => [
  {
    apiVersion: 1,
    name: 'gmail',
    summary: 'Messages of a Gmail mailbox',
    reads: ['google-adc'],
    load: async () => (await import('./source.ts')).default,
  },
]

export default hook
