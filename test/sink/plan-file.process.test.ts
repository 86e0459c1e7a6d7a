import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {readdir, readFile, stat, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import {buffer} from 'node:stream/consumers'

import {expect} from 'chai'

import {codeOf, outcomeOf} from '../../src/base/errors.ts'
import {PlanFileDraft} from '../../src/sink/plan-file-draft.ts'
import type {PlanMember} from '../../src/sink/plan-file-layout.ts'
import {PlanFile} from '../../src/sink/plan-file.ts'
import {folderForEachTest} from '../support/folder.ts'

const CONTENTS = ['one line\n', `${'many letters '.repeat(100_000)}\n`, '']

describe('a plan file', () => {
  const folder = folderForEachTest()
  const path = (): string => join(folder(), 'a.lorplan')

  async function written(): Promise<readonly PlanMember[]> {
    const draft = await PlanFileDraft.create(path())
    const members: PlanMember[] = []
    for (const [index, content] of CONTENTS.entries()) {
      await writeFile(join(folder(), `member-${index}`), content)
      members.push(await draft.addFile('records', join(folder(), `member-${index}`)))
    }
    await draft.finish(JSON.stringify({members}))
    await draft.discard()
    return members
  }

  async function opened(read: (file: PlanFile) => Promise<void>): Promise<void> {
    const file = await PlanFile.open(path())
    try {
      await read(file)
    } finally {
      await file.close()
    }
  }

  const problemOf = async (members: readonly PlanMember[]): Promise<unknown> =>
    opened(async (file) => file.verify(members)).then(
      () => undefined,
      (error: unknown) => error,
    )

  it('gives back what was put into it, smaller, and is for its maker alone', async () => {
    const members = await written()
    await opened(async (file) => {
      await file.verify(members)
      for (const [index, member] of members.entries()) {
        const contents = await buffer(file.contentsOf(member, members.slice(0, index)))
        expect(contents.toString()).to.equal(CONTENTS[index])
      }
    })
    const {mode, size} = await stat(path())
    expect(mode & 0o777).to.equal(0o600)
    expect(size).to.be.lessThan(100_000)
  })

  it('is found damaged whichever byte was changed, and where it was cut or grew', async () => {
    const members = await written()
    const good = await readFile(path())
    for (let place = 0; place < good.length; place += 1) {
      const bad = Buffer.from(good)
      bad[place] = (bad[place] ?? 0) ^ 1
      await writeFile(path(), bad)
      const problem = await problemOf(members)
      expect([outcomeOf(problem), codeOf(problem)], `byte ${place}`).to.deep.equal(['usage', 'E_PLAN_DAMAGED'])
    }
    for (const bad of [good.subarray(0, -1), good.subarray(0, 40), Buffer.alloc(0), Buffer.concat([good, good])]) {
      await writeFile(path(), bad)
      expect(codeOf(await problemOf(members))).to.equal('E_PLAN_DAMAGED')
    }
  })

  it('is never written over another one, whenever that came', async () => {
    await writeFile(path(), 'mine')
    const error = await PlanFileDraft.create(path()).catch((thrown: unknown) => thrown)
    expect([outcomeOf(error), codeOf(error)]).to.deep.equal(['usage', 'E_FILE_EXISTS'])
    const draft = await PlanFileDraft.create(join(folder(), 'b.lorplan'))
    await writeFile(join(folder(), 'b.lorplan'), 'mine')
    const late = await draft.finish('{}').catch((thrown: unknown) => thrown)
    expect(codeOf(late)).to.equal('E_FILE_EXISTS')
    await draft.discard()
    expect(await readFile(join(folder(), 'b.lorplan'), 'utf8')).to.equal('mine')
    expect((await readdir(folder())).toSorted()).to.deep.equal(['a.lorplan', 'b.lorplan'])
  })

  it('has another name while it is written, which git is told to ignore, and leaves nothing where it was given up', async () => {
    const draft = await PlanFileDraft.create(path())
    const [name = ''] = await readdir(folder())
    expect(name).to.match(/^a\.lorplan\..*\.lorplan$/)
    expect((await stat(join(folder(), name))).mode & 0o777).to.equal(0o600)
    await draft.discard()
    expect(await readdir(folder())).to.deep.equal([])
  })

  it('removes what runs left that were killed while they wrote one of its name, and nothing that others write', async () => {
    const module = JSON.stringify(pathToFileURL(join(import.meta.dirname, '../../src/sink/plan-file-draft.ts')).href)
    const killed = spawn(process.execPath, [
      '--input-type=module',
      '--eval',
      `await (await import(${module})).PlanFileDraft.create(${JSON.stringify(path())}); process.kill(process.pid, 'SIGKILL')`,
    ])
    await once(killed, 'exit')
    const other = await PlanFileDraft.create(join(folder(), 'b.lorplan'))
    expect(await readdir(folder())).to.have.length(2)
    const beside = await PlanFileDraft.create(path())
    const draft = await PlanFileDraft.create(path())
    const names = (await readdir(folder())).map((name) => name.slice(0, 9))
    expect(names.toSorted()).to.deep.equal(['a.lorplan', 'a.lorplan', 'b.lorplan'])
    expect((await readdir(folder())).filter((name) => name.includes(`-${killed.pid}-`))).to.deep.equal([])
    for (const one of [other, beside, draft]) await one.discard()
  })
})
