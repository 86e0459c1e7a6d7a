import {createHash} from 'node:crypto'

/** Rows by entity set, as the server is to hold them. */
export interface TableRows {
  readonly contacts?: readonly Contact[]
  readonly cre92_clientsessions?: readonly object[]
  readonly cre92_clientreports?: readonly object[]
}

export interface Contact {
  readonly contactid: string
  readonly fullname: string
  readonly emailaddress1: string | null
  readonly annualincome: number | null
  readonly _parentcustomerid_value: string | null
  readonly statecode: number
  readonly createdon: string
  readonly modifiedon: string
}

export interface RowsOptions {
  /** The newest row was modified just before. */
  readonly now: Date
  readonly days?: number
}

const GIVEN = ['Ada', 'Grace', 'Zoë', 'Søren', 'Mei', 'José', 'Anna-Lena', '孝子']
const FAMILY = ['Lovelace', 'Hopper', "O'Neill", 'Kierkegaard', 'Nuñez', 'Müller', 'Tanaka', '陳']
const SENTENCE = 'The client spoke of the week, of sleep that came late, and of what had gone well. '

/** The same GUID for the same name. */
export function guid(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  )
}

export function contacts(count: number, options: RowsOptions): readonly Contact[] {
  return Array.from({length: count}, (_, index) => {
    const modifiedon = timeOf(index, count, options)
    return {
      contactid: guid(`contact ${index}`),
      fullname: `${GIVEN[index % GIVEN.length]} ${FAMILY[(index * 5) % FAMILY.length]} ${index}`,
      emailaddress1: index % 7 === 0 ? null : `person${index}@example.com`,
      annualincome: index % 3 === 0 ? null : 1000 + index + 0.25,
      _parentcustomerid_value: index % 5 === 0 ? guid(`account ${index % 50}`) : null,
      statecode: index % 11 === 0 ? 1 : 0,
      createdon: new Date(Date.parse(modifiedon) - 86_400_000).toISOString(),
      modifiedon,
    }
  })
}

export interface SessionsOptions extends RowsOptions {
  /** How long the transcript of each is. */
  readonly characters: (index: number) => number
}

export function sessions(count: number, {characters, ...options}: SessionsOptions) {
  return Array.from({length: count}, (_, index) => ({
    cre92_clientsessionid: guid(`session ${index}`),
    cre92_name: `Session ${index}`,
    _cre92_contact_value: guid(`contact ${index}`),
    cre92_transcript: SENTENCE.repeat(Math.ceil(characters(index) / SENTENCE.length)).slice(0, characters(index)),
    modifiedon: timeOf(index, count, options),
  }))
}

export function reports(count: number, options: RowsOptions) {
  return Array.from({length: count}, (_, index) => ({
    cre92_clientreportid: guid(`report ${index}`),
    cre92_name: `Report ${index}`,
    _cre92_session_value: guid(`session ${index}`),
    cre92_body: SENTENCE.repeat(4),
    modifiedon: timeOf(index, count, options),
  }))
}

function timeOf(index: number, count: number, {now, days = 730}: RowsOptions): string {
  const age = ((count - index) / count) * days * 86_400_000
  return new Date(Math.floor(now.getTime() - age)).toISOString()
}
