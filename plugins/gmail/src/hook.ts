import type {SourcesHook} from 'lorchestra'

const hook: SourcesHook = () => [
  {
    apiVersion: 1,
    name: 'gmail',
    summary: 'Messages of a Gmail mailbox',
    load: async () => (await import('./source.ts')).default,
  },
]

export default hook
