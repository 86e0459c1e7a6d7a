import {readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {Ajv2020, type ValidateFunction} from 'ajv/dist/2020.js'
import {expect} from 'chai'

import {PACKAGE} from './package-copy.ts'

const SNAPSHOTS = join(PACKAGE, 'test', 'commands', 'snapshots')
/** `RENEW_SNAPSHOTS=1` writes what the commands print now; look at the difference, then run `npm run generate`. */
const RENEWS = (process.env['RENEW_SNAPSHOTS'] ?? '') !== ''

export const schemaPath = (name: string): string => join(PACKAGE, 'docs', 'json', `${name}.schema.json`)

export async function schemaOf(name: string): Promise<object> {
  return JSON.parse(await readFile(schemaPath(name), 'utf8')) as object
}

/** Instants are checked by the pattern that stands beside their format. */
export async function validatorOf(name: string): Promise<ValidateFunction> {
  return new Ajv2020({allErrors: true, allowUnionTypes: true, formats: {'date-time': true}}).compile(
    await schemaOf(name),
  )
}

export async function expectToMatchSchema(document: unknown, name: string): Promise<void> {
  const validate = await validatorOf(name)
  validate(document)
  expect(validate.errors ?? [], `${name}.schema.json`).to.deep.equal([])
}

/** Compares with the snapshot after what differs from run to run and from machine to machine is made the same. */
export async function expectToMatchSnapshot(
  document: unknown,
  name: string,
  folders: Readonly<Record<string, string>>,
): Promise<void> {
  const path = join(SNAPSHOTS, `${name}.json`)
  const text = `${JSON.stringify(normalized(document, folders), null, 2)}\n`
  if (RENEWS) await writeFile(path, text)
  expect(text).to.equal(await readFile(path, 'utf8'))
}

const NUMBERS: Readonly<Record<string, number>> = {duration_seconds: 1.5, bytes: 1_000_000}
const VERSION = /^\d+\.\d+\.\d+$/

function normalized(value: unknown, folders: Readonly<Record<string, string>>, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => normalized(item, folders))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, normalized(item, folders, name)]))
  }
  if (typeof value === 'number') return NUMBERS[key] ?? value
  if (typeof value !== 'string') return value
  if (key === 'version' && VERSION.test(value)) return '1.0.0'
  let text = value
  // The longest first: one may lie within another.
  const known = Object.entries(folders).toSorted(([, one], [, other]) => other.length - one.length)
  for (const [shown, folder] of known) text = text.replaceAll(folder, shown)
  return (
    text
      .replaceAll(/(?!2024)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '2026-01-31T12:00:00.000Z')
      // The id of a run.
      .replaceAll(/-\d{14}-[0-9a-f]{8}\b/g, '-20260131120000-0a1b2c3d')
      // The id of a plan.
      .replaceAll(/\b[0-9a-f]{64}\b/g, '9c41e7d25b0e4a7f8d1c6b2a3f5e9d80c7b6a5948372615049f8e7d6c5b4a392')
      .replaceAll(/^v\d+\.\d+\.\d+$/g, 'v24.0.0')
      // The folder of a project's logs, and how long a run took.
      .replaceAll(/\/logs\/[0-9a-f]{16}\//g, '/logs/0123456789abcdef/')
      .replaceAll(/\b\d+\.\d+s with/g, '1.50s with')
      .replaceAll(/\d+\.\d GB/g, '100.0 GB')
  )
}
