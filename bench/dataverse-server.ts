import {createServer, type IncomingMessage, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'

const API = '/api/data/v9.2'
const NUMBER_LENGTH = 8
const FILLER =
  'Prefers to be called in the afternoon. Referred by the family doctor, second visit this spring, insurance confirmed. '

export interface PageServer {
  readonly url: string
  /** Pages that were asked for so far. */
  readonly pages: () => number
  close(): Promise<void>
}

export interface PageServerOptions {
  readonly rows: number
  readonly pageSize: number
  /** Told of each page before it is sent. */
  readonly onPage?: (rowsBefore: number) => void
}

/**
 * A stub, not Dataverse: it sends pages of contacts of about 1 KB from memory, with the headers of Dataverse, fast enough
 * not to be what is measured. All pages are one page of rows, each with its own number in the ids.
 */
export async function startPageServer({rows, pageSize, onPage}: PageServerOptions): Promise<PageServer> {
  const template = Buffer.from(Array.from({length: pageSize}, (_, index) => rowAt(index)).join(','))
  const places = placesOf(template)
  const pages = Math.ceil(rows / pageSize)
  let url = ''
  let asked = 0

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const {pathname, searchParams} = new URL(request.url ?? '', url)
    response.setHeader('content-type', 'application/json; odata.metadata=minimal')
    response.setHeader('odata-version', '4.0')
    if (pathname !== `${API}/contacts`) {
      response.end(
        JSON.stringify(
          pathname === `${API}/WhoAmI`
            ? {OrganizationId: '5b2d8f3e-0000-4000-8000-00000000be9c'}
            : {EntitySetName: 'contacts', PrimaryIdAttribute: 'contactid', ChangeTrackingEnabled: false},
        ),
      )
      return
    }
    const page = Number(searchParams.get('$skiptoken') ?? 0)
    asked += 1
    onPage?.(page * pageSize)
    const count = Math.min(pageSize, rows - page * pageSize)
    const number = page.toString(16).padStart(NUMBER_LENGTH, '0')
    const content = Buffer.from(template.subarray(0, count === pageSize ? template.length : (places[count] ?? 0)))
    for (const place of places.slice(0, count)) content.write(number, place, 'latin1')
    const next = page + 1 < pages ? `,"@odata.nextLink":"${url}${API}/contacts?$skiptoken=${page + 1}"` : ''
    response.setHeader('preference-applied', `odata.maxpagesize=${pageSize}`)
    response.setHeader('x-ms-ratelimit-burst-remaining-xrm-requests', '5998')
    response.setHeader('x-ms-ratelimit-time-remaining-xrm-requests', '1195.00')
    response.setHeader('x-ms-dop-hint', '4')
    response.write(`{"@odata.context":"${url}${API}/$metadata#contacts","value":[`)
    response.write(count === pageSize ? content : content.subarray(0, content.lastIndexOf('},{"@odata.etag"') + 1))
    response.end(`]${next}}`)
  }

  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    pages: () => asked,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Where the page's number belongs: the first group of each row's id. */
function placesOf(template: Buffer): readonly number[] {
  const mark = Buffer.from('"contactid":"')
  const places: number[] = []
  for (let at = template.indexOf(mark); at >= 0; at = template.indexOf(mark, at + 1)) places.push(at + mark.length)
  return places
}

function rowAt(index: number): string {
  const id = `-0000-4000-8000-${index.toString(16).padStart(12, '0')}`
  return JSON.stringify({
    '@odata.etag': `W/"${1_000_000 + index}"`,
    contactid: `${'0'.repeat(NUMBER_LENGTH)}${id}`,
    fullname: `Ada Lovelace ${index}`,
    firstname: 'Ada',
    lastname: `Lovelace ${index}`,
    emailaddress1: `person${index}@example.com`,
    telephone1: '+49 30 1234567',
    address1_line1: `Unter den Linden ${index % 200}`,
    address1_city: 'Berlin',
    address1_postalcode: '10117',
    annualincome: 1000.25 + index,
    statecode: 0,
    statuscode: 1,
    versionnumber: 1_000_000 + index,
    _ownerid_value: `aaaaaaaa${id}`,
    _createdby_value: `bbbbbbbb${id}`,
    _parentcustomerid_value: index % 3 === 0 ? null : `cccccccc${id}`,
    createdon: '2026-01-05T09:30:00Z',
    modifiedon: '2026-02-01T12:00:00Z',
    description: FILLER.repeat(4).slice(0, 330),
  })
}
