import type {SourcesHook} from 'lorchestra'

const hook: SourcesHook = () => [
  {
    apiVersion: 1,
    name: 'dataverse',
    summary: 'Rows of a Dataverse table',
    load: async () => (await import('./source.ts')).default,
  },
]

export default hook
