import type {SourcesHook} from 'lorchestra'

const hook: SourcesHook = () => [
  {
    apiVersion: 1,
    name: 'files',
    summary: 'Records in files',
    load: async () => (await import('./source.ts')).default,
  },
]

export default hook
