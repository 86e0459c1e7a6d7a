import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'
import * as z from 'zod'

import {createMask} from '../../src/base/mask.ts'
import {loadConfig} from '../../src/config/config.ts'
import {resolveOptions, type ResolvedOptions} from '../../src/config/job-options.ts'
import {findJob} from '../../src/config/jobs.ts'
import {WAREHOUSE_KINDS} from '../../src/warehouse/kinds.ts'
import {temporaryFolder} from '../support/cli.ts'
import {messageOf} from '../support/message-of.ts'

const FILE = `
jobs:
  tickets:
    source: api
    auth:
      type: basic
      user: somebody
      password: \${PASSWORD}
    headers:
      x-key: first-secret
      x-other: second-secret
`

const source = {
  name: 'api',
  options: z.strictObject({
    auth: z.strictObject({type: z.string(), user: z.string(), password: z.string().optional()}),
    headers: z.record(z.string(), z.string()),
  }),
  secrets: ['auth.password', 'auth.token', 'headers.*'],
}

describe('secrets within an option', () => {
  const resolve = async (
    {environment = {PASSWORD: 'very-secret'}, stored = [], options = source.options}: Case = {},
    mask = createMask(),
  ): Promise<ResolvedOptions> => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'lorchestra.yaml'), FILE)
    const config = await loadConfig({workingFolder: folder, environment, kinds: WAREHOUSE_KINDS})
    return resolveOptions(findJob(config, 'tickets'), {...source, options}, config, mask, (name) =>
      Promise.resolve(stored.includes(name)),
    )
  }
  interface Case {
    readonly environment?: Readonly<Record<string, string>>
    readonly stored?: readonly string[]
    readonly options?: z.ZodType
  }

  it('are hidden, and nothing beside them is', async () => {
    const mask = createMask()
    const {options, shown} = await resolve({}, mask)
    expect(options).to.have.nested.property('auth.password', 'very-secret')
    expect(shown).to.deep.equal({
      auth: {type: 'basic', user: 'somebody', password: '***'},
      headers: {'x-key': '***', 'x-other': '***'},
    })
    expect(mask.apply('somebody sent very-secret, first-secret and second-secret')).to.equal(
      'somebody sent ***, *** and ***',
    )
  })

  it('are left out where their variable is not set and they are stored under their path', async () => {
    const {options} = await resolve({environment: {}, stored: ['auth.password']})
    expect(options).to.have.property('auth').that.deep.equals({type: 'basic', user: 'somebody'})
  })

  it('are asked for by the name of their variable where the source needs them', async () => {
    const needed = z.looseObject({auth: z.looseObject({password: z.string()})})
    for (const stored of [[], ['auth.password'], ['auth.token']]) {
      const refused = resolve({environment: {}, stored, options: needed})
      expect(await messageOf(refused)).to.include('needs the environment variable PASSWORD')
    }
  })
})
