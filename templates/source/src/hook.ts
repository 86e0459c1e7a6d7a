import type {SourcesHook} from 'lorchestra'

const hook: SourcesHook = () => [
  {
    apiVersion: 1,
    name: 'example',
    summary: 'Items of the example API',
    load: async () => (await import('./source.ts')).default,
  },
]

export default hook
