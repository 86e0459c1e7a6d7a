import {lstat, mkdir, readdir, readFile, symlink, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {loadConfig} from '../../src/config/config.ts'
import {variablesIn} from '../../src/config/variables.ts'
import {schemaReference} from '../../src/cli/starter/schema-reference.ts'
import {STARTER_FILE_NAMES} from '../../src/cli/starter/starter-files.ts'
import {WAREHOUSE_KINDS} from '../../src/warehouse/kinds.ts'
import {lorchestra, temporaryFolder} from '../support/cli.ts'
import {onTerminal, terminalIsThere} from '../support/terminal.ts'

describe('lorchestra init', () => {
  let folder: string
  beforeEach(async () => {
    folder = await temporaryFolder()
  })

  it('writes a lorchestra.yaml and .env.example that can be used as they are', async () => {
    const {code, stdout, stderr} = await lorchestra(['init'], {cwd: folder})
    expect(stderr).to.equal('')
    expect(code).to.equal(0)
    expect(stdout).to.include(join(folder, 'lorchestra.yaml')).and.to.include(join(folder, '.env.example'))
    expect((await lorchestra(['jobs', 'list'], {cwd: folder})).code).to.equal(0)
  })

  it('says to sign in where the source asks for that, and there alone', async () => {
    expect((await lorchestra(['init'], {cwd: folder})).stdout).to.match(
      /\n {2}→ `lorchestra accounts login acct1` .*\n {2}→ /,
    )
    for (const source of ['files', 'rest']) {
      const {code, stdout} = await lorchestra(['init', '--source', source, '--directory', source], {cwd: folder})
      expect([code, stdout.includes('accounts login')]).to.deep.equal([0, false])
    }
  })

  it('writes to another folder, and makes it where it is missing', async () => {
    const {code} = await lorchestra(['init', '--directory', 'new/ingestion'], {cwd: folder})
    expect(code).to.equal(0)
    expect((await readdir(join(folder, 'new', 'ingestion'))).toSorted()).to.deep.equal([
      '.env.example',
      '.gitignore',
      'lorchestra.yaml',
    ])
    expect(await readdir(folder)).to.deep.equal(['new'])
  })

  it('keeps .env and the data out of version control, also where there is a .gitignore already', async () => {
    await writeFile(join(folder, '.gitignore'), 'node_modules/\n.env\nmine')
    expect((await lorchestra(['init'], {cwd: folder})).code).to.equal(0)
    expect(await readFile(join(folder, '.gitignore'), 'utf8')).to.equal(
      'node_modules/\n.env\nmine\n*.lorplan\nlorchestra.duckdb\nlorchestra.duckdb.*\n',
    )
  })

  for (const name of STARTER_FILE_NAMES) {
    it(`writes nothing at all where ${name} is there already`, async () => {
      await writeFile(join(folder, name), 'mine')
      const {code, stdout, stderr} = await lorchestra(['init'], {cwd: folder})
      expect(code).to.equal(2)
      expect(stdout).to.equal('')
      expect(stderr)
        .to.include(`${join(folder, name)} is there already; nothing was written`)
        .and.to.include('\n  → ')
      expect(await readdir(folder)).to.deep.equal([name])
      expect(await readFile(join(folder, name), 'utf8')).to.equal('mine')
    })
  }

  it('does not write through a link to a file that is not there yet', async () => {
    await symlink(join(folder, 'elsewhere'), join(folder, '.env.example'))
    const {code} = await lorchestra(['init'], {cwd: folder})
    expect(code).to.equal(2)
    expect((await lstat(join(folder, '.env.example'))).isSymbolicLink()).to.equal(true)
    expect(await readdir(folder)).to.deep.equal(['.env.example'])
  })

  it('says why where the folder cannot be made', async () => {
    await writeFile(join(folder, 'file'), '')
    const {code, stderr} = await lorchestra(['init', '--directory', 'file/inside'], {cwd: folder})
    expect(code).to.equal(1)
    expect(stderr).to.include('nothing was written').and.to.include('--directory')
  })

  it('answers in one document with --json', async () => {
    const {code, stdout} = await lorchestra(['init', '--json'], {cwd: folder})
    expect(code).to.equal(0)
    expect(JSON.parse(stdout)).to.deep.equal({
      schema: 1,
      written: [join(folder, 'lorchestra.yaml'), join(folder, '.env.example'), join(folder, '.gitignore')],
      job: 'gmail_ingest_acct1',
    })
    const again = await lorchestra(['init', '--json'], {cwd: folder})
    expect(again.code).to.equal(2)
    expect(JSON.parse(again.stdout)).to.have.property('error').that.includes({outcome: 'usage'})
  })

  for (const [source, account, warehouse, place] of [
    ['gmail', 'work', 'duckdb', 'account'],
    ['dataverse', 'clinic-2', 'bigquery', 'job'],
  ] as const) {
    it(`takes flags for what ${source} needs, and every variable stands in .env.example`, async () => {
      const flags = ['--source', source, '--account', account, '--warehouse', warehouse]
      const {code, stderr} = await lorchestra(['init', ...flags], {cwd: folder})
      expect([code, stderr]).to.deep.equal([0, ''])
      const example = await readFile(join(folder, '.env.example'), 'utf8')
      await writeFile(join(folder, '.env'), example.replaceAll(/^([A-Z0-9_]+)=$/gm, '$1=x'))
      const config = await loadConfig({workingFolder: folder, environment: {}, kinds: WAREHOUSE_KINDS})
      expect(config.warehouse.type).to.equal(warehouse)
      const job = config.jobs.get(`${source}_ingest_${account}`)
      expect(variablesIn(job?.options)).to.deep.equal(place === 'job' ? ['DATAVERSE_CLINIC_2_ENTITY'] : [])
      const variables = variablesIn(config.accounts.get(account)?.options)
      expect(variables).to.include(`${source.toUpperCase()}_${account.toUpperCase().replace('-', '_')}_CLIENT_ID`)
      for (const name of variables) expect(example).to.include(`\n${name}=\n`)
      // All that the source wants is there: what is wrong is the value alone.
      const shown = await lorchestra(['jobs', 'show', `${source}_ingest_${account}`], {cwd: folder})
      expect(shown.stdout + shown.stderr)
        .not.to.include('is missing')
        .and.not.to.include('is not set')
    })
  }

  it('refuses what is no name, no source and no warehouse, and writes nothing', async () => {
    for (const flags of [
      ['--account', 'Ada Lovelace'],
      ['--account', 'a'.repeat(60)],
      ['--source', 'gmial'],
      ['--warehouse', 'duckbd'],
    ]) {
      const {code, stdout, stderr} = await lorchestra(['init', ...flags], {cwd: folder})
      expect([code, stdout], flags.join(' ')).to.deep.equal([2, ''])
      expect(stderr).to.match(/is not a name|gmail|Expected --warehouse=duckbd to be one of/)
    }
    expect(await readdir(folder)).to.deep.equal([])
  })

  it('begins with where editors find the schema', async () => {
    await lorchestra(['init'], {cwd: folder})
    const [first = ''] = (await readFile(join(folder, 'lorchestra.yaml'), 'utf8')).split('\n')
    const url = new URL(/^# yaml-language-server: \$schema=(.+)$/.exec(first)?.[1] ?? '')
    expect(JSON.parse(await readFile(url, 'utf8'))).to.include({title: 'lorchestra.yaml'})
    const project = join(folder, 'node_modules', 'lorchestra')
    expect(schemaReference(project, folder)).to.equal('./node_modules/lorchestra/lorchestra.schema.json')
  })

  it('writes a job for files that runs as it is', async () => {
    const {stdout} = await lorchestra(['init', '--source', 'files', '--account', 'shop'], {cwd: folder})
    const [, command = ''] = /→ lorchestra (run .*) tries it/.exec(stdout) ?? []
    await mkdir(join(folder, 'incoming'))
    await writeFile(join(folder, 'incoming', 'a.csv'), 'id,name\n1,one\n')
    const tried = await lorchestra(command.split(' '), {cwd: folder})
    expect(tried.code, tried.stderr).to.equal(0)
    expect(tried.stdout).to.include('1 extracted')
  })

  describe('on a terminal', () => {
    before(function () {
      if (!terminalIsThere()) this.skip()
    })

    it('asks for what is needed', async () => {
      const {code, screen} = await onTerminal(['init'], folder, [
        // Two above the one that is proposed.
        ['What should be read?', '\u001B[A\u001B[A\r'],
        ['A name for the account', 'clinic\r'],
        ['Where should it go?', '\u001B[B\r'],
      ])
      expect(code, screen).to.equal(0)
      const yaml = await readFile(join(folder, 'lorchestra.yaml'), 'utf8')
      expect(yaml).to.include('\n  clinic:\n    source: dataverse\n').and.to.include('\n  type: bigquery\n')
    })

    it('asks for no more than the flags left open', async () => {
      const flags = ['--source', 'gmail', '--warehouse', 'duckdb']
      const {code, screen} = await onTerminal(['init', ...flags], folder, [['A name for the account', '\r']])
      expect(code, screen).to.equal(0)
      expect(screen).not.to.include('What should be read?')
      expect(await readFile(join(folder, 'lorchestra.yaml'), 'utf8')).to.include('\n  acct1:\n    source: gmail\n')
    })

    it('leaves nothing behind after Ctrl-C', async () => {
      const {code, screen} = await onTerminal(['init'], folder, [
        ['What should be read?', '\r'],
        ['A name for the account', '\u0003'],
      ])
      expect(code, screen).to.equal(130)
      expect(screen).to.include('Nothing was written')
      expect(await readdir(folder)).to.deep.equal([])
    })

    it('does not ask where a file is in the way', async () => {
      await writeFile(join(folder, 'lorchestra.yaml'), 'mine')
      const {code, screen} = await onTerminal(['init'], folder, [])
      expect([code, screen.includes('What should be read?')]).to.deep.equal([2, false])
      expect(await readFile(join(folder, 'lorchestra.yaml'), 'utf8')).to.equal('mine')
    })
  })
})
