export default () => [
  {
    apiVersion: 1,
    name: 'notebook',
    summary: 'notes and labels of a JSON file',
    load: async () => (await import('./source.js')).default,
  },
]
