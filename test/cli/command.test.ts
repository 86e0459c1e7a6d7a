import {expect} from 'chai'
import fc from 'fast-check'
import sinon from 'sinon'

import {failure} from '../../src/base/errors.ts'
import type {Config} from '../../src/base/oclif.ts'
import {LorchestraCommand} from '../../src/cli/command.ts'
import {pastedSecrets, WAYS_TO_WRITE} from '../support/pasted-secrets.ts'
import {commandLineWith} from '../support/plugins.ts'

/** Prints a text in all ways that a command has. */
class Telling extends LorchestraCommand {
  printed = ''

  protected override print = (text: string): void => {
    this.printed += text
  }

  keep(secret: string): void {
    this.mask.add(secret)
  }

  override async run(): Promise<unknown> {
    return Promise.resolve()
  }

  say(text: string): void {
    this.log(text)
    this.logToStderr(text)
  }

  answer(text: string): void {
    this.logJson({schema: 1, jobs: [{job: 'notes', options: {list: [text]}, count: 7, none: null}]})
  }
}

describe('a secret that a command knows', () => {
  let commandLine: Config

  before(async () => {
    commandLine = await commandLineWith([])
  })

  afterEach(() => sinon.restore())

  for (const [way, write] of Object.entries(WAYS_TO_WRITE)) {
    it(`is in no document of --json, written ${way}`, () => {
      fc.assert(
        fc.property(pastedSecrets, (secret) => {
          const command = new Telling(['--json'], commandLine)
          command.keep(secret)
          command.answer(`told: ${write(secret)}`)
          const document = JSON.parse(command.printed) as {
            jobs: [{options: {list: [string]}; count: unknown; none: unknown}]
          }
          const [{options, count, none}] = document.jobs
          expect(options.list[0]).to.contain('***').and.not.contain(write(secret))
          expect([count, none]).to.deep.equal([7, null])
        }),
      )
    })

    it(`is in nothing that it says, written ${way}`, () => {
      fc.assert(
        fc.property(pastedSecrets, (secret) => {
          const command = new Telling([], commandLine)
          command.keep(secret)
          const [out, err] = [sinon.stub(process.stdout, 'write'), sinon.stub(process.stderr, 'write')]
          try {
            command.say(`told: ${write(secret)}`)
          } finally {
            out.restore()
            err.restore()
          }
          for (const stub of [out, err])
            expect(String(stub.firstCall.args[0]))
              .to.contain('told: ')
              .and.contain('***')
              .and.not.contain(write(secret))
        }),
      )
    })
  }

  it('is in no document of an error', async () => {
    const command = new Telling(['--json'], commandLine)
    command.keep('hush-hush-hush')
    const error = failure('refused hush-hush-hush', {code: 'E_SOURCE_FAILED', next: 'Try without hush-hush-hush.'})
    await command.catch(error).catch(() => undefined)
    expect(command.printed).to.contain('refused ***').and.not.contain('hush')
  })
})
