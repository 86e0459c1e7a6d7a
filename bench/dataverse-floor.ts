import {mergeFiles, NdjsonFiles} from './floor.ts'

const [url = '', folder = ''] = process.argv.slice(2)

interface Answer {
  readonly value: readonly {readonly contactid: string}[]
  readonly '@odata.nextLink'?: string
}

/** What no run can be expected to beat: the pages fetched and parsed one by one, written as NDJSON, and one MERGE. */
const files = new NdjsonFiles(folder)
let next: string | undefined = `${url}/api/data/v9.2/contacts`
while (next !== undefined) {
  const answer = (await (await fetch(next)).json()) as Answer
  for (const payload of answer.value) {
    const id = payload.contactid
    files.add({
      idem_key: `contact:dataverse--clinic:${id}`,
      source_system: 'dataverse--clinic',
      object_type: 'contact',
      external_id: id,
      payload,
    })
  }
  next = answer['@odata.nextLink']
}
process.stdout.write(String(await mergeFiles(folder, files.end())))
