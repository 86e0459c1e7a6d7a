import type {SourcesHook} from 'lorchestra'

const hook: SourcesHook = () => [
  {
    apiVersion: 1,
    name: 'rest',
    summary: 'Records of any API that answers with JSON',
    load: async () => (await import('./source.ts')).default,
  },
]

export default hook
