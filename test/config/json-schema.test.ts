import {readFile} from 'node:fs/promises'

import {Ajv2020} from 'ajv/dist/2020.js'
import {expect} from 'chai'
import {parse} from 'yaml'

import dataverse from '../../plugins/dataverse/src/source.ts'
import filesSource from '../../plugins/files/src/source.ts'
import gmail from '../../plugins/gmail/src/source.ts'
import rest from '../../plugins/rest/src/source.ts'
import {starterFiles} from '../../src/cli/starter/starter-files.ts'
import type {Source} from '../../src/source.ts'
import {inProcessSource} from '../../src/sources/box/in-process-source.ts'
import {WAREHOUSE_KINDS} from '../../src/warehouse/kinds.ts'

interface Schema {
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
}

const read = async (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')

describe('the JSON Schema of lorchestra.yaml', () => {
  let schema: Schema
  let validate: ReturnType<Ajv2020['compile']>
  before(async () => {
    schema = JSON.parse(await read('lorchestra.schema.json')) as Schema
    validate = new Ajv2020({strict: false}).compile(schema as object)
  })

  const complaints = (yaml: string): unknown => (validate(parse(yaml)) === true ? [] : validate.errors)

  const withComments = (yaml: string): string => yaml.replaceAll(/^( +)# (\w+: )/gm, '$1$2')

  for (const source of [gmail, dataverse, filesSource, rest] as readonly Source[]) {
    for (const warehouse of WAREHOUSE_KINDS) {
      it(`takes what init writes for ${source.name} and ${warehouse.name}, with and without what is in its comments`, async () => {
        const files = await starterFiles({
          source: inProcessSource(source, {
            http: {request: () => Promise.reject(new Error('no network in this test'))},
            resolvePath: (path) => path,
          }),
          account: 'acct1',
          warehouse,
          kinds: WAREHOUSE_KINDS,
          schema: './lorchestra.schema.json',
        })
        const yaml = files['lorchestra.yaml'] ?? ''
        expect(complaints(yaml)).to.deep.equal([])
        expect(withComments(yaml)).not.to.equal(yaml)
        expect(complaints(withComments(yaml))).to.deep.equal([])
      })
    }
  }

  for (const path of ['templates/source/lorchestra.yaml', 'examples/lorchestra.yaml']) {
    it(`takes ${path}`, async () => {
      expect(complaints(await read(path))).to.deep.equal([])
    })
  }

  it('takes a warehouse whose settings are variables, or come from those that stand in for them', () => {
    expect(complaints('warehouse: {type: bigquery}')).to.deep.equal([])
    expect(complaints('warehouse: {type: bigquery, location: "${PLACE}", event_log: "${MINE}_log"}')).to.deep.equal([])
    expect(complaints('warehouse:')).to.deep.equal([])
  })

  it('refuses what the program refuses', () => {
    for (const yaml of [
      'warehouse: {type: bigquery, project: "a b"}',
      'warehuose: {}',
      'jobs: {Mail: {source: gmail}}',
    ])
      expect(validate(parse(yaml)), yaml).to.equal(false)
  })

  it('describes every key', () => {
    const nameless: string[] = []
    const walk = (part: Schema | boolean | undefined, path: string): void => {
      if (typeof part !== 'object') return
      for (const [key, value] of Object.entries(part.properties ?? {})) {
        if ((value.description ?? '') === '') nameless.push(`${path}.${key}`)
        walk(value, `${path}.${key}`)
      }
      walk(part.additionalProperties, `${path}.*`)
      for (const one of [...(part.anyOf ?? []), ...(part.oneOf ?? [])]) walk(one, path)
    }
    walk(schema, '')
    expect(nameless).to.deep.equal([])
  })
})
