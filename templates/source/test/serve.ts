import {itemsOf, startService} from './service.ts'

// The address that lorchestra.yaml names.
const {url} = await startService(itemsOf({records: 100, size: 200}), 8787)
process.stdout.write(`the test service answers at ${url}; Ctrl-C ends it\n`)
