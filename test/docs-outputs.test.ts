import {readFileSync} from 'node:fs'
import {resolve} from 'node:path'

import {expect} from 'chai'

import {firstDifference} from '../scripts/examples/same-output.ts'
import {terminalPicture} from '../scripts/examples/terminal-picture.ts'

const root = resolve(import.meta.dirname, '..')
const page = (path: string): string => readFileSync(resolve(root, path), 'utf8')

const RECORDED = `$ lorchestra run notes
notes (files, account shop): everything before 2026-01-01T08:00:00.000Z
✓ notes: 220 extracted, 220 inserted, 0 updated, completed in 4.24s
JOB    TOOK   RUN
notes  4.24s  notes-20260101080000-de33a723
node  v24.1.0  60.7 GB free
| sha256 | - | d27fe9f1beb07299 |
| sha256 | d27fe9f1beb07299 | d27fe9f1beb07299 |
| sha256 | d27fe9f1beb07299 | d05da438953d0d04 |
`
const AGAIN = `$ lorchestra run notes
notes (files, account shop): everything before 2026-11-28T15:13:39.008Z
✓ notes: 220 extracted, 220 inserted, 0 updated, completed in 1 min 2 s
JOB    TOOK       RUN
notes  1 min 2 s  notes-20261128151339-0a246318
node  v24.21.0  981 MB free
| sha256 | - | 79dc0b42903ab653 |
| sha256 | 79dc0b42903ab653 | 79dc0b42903ab653 |
| sha256 | 79dc0b42903ab653 | 678cfb4bd4a4ba12 |
`

describe('outputs in the documents', () => {
  it('are the same where times, spans, ids of runs, free space and widths of columns differ', () => {
    expect(firstDifference(RECORDED, AGAIN)).to.equal(undefined)
  })

  it('differ by a word, a count, a line or an order', () => {
    const changes: readonly (readonly [string, string])[] = [
      ['extracted', 'read'],
      ['220 inserted', '219 inserted'],
      ['JOB    TOOK', 'JOB    WINDOW  TOOK'],
      ['notes  1 min', 'other  1 min'],
      ['0 updated, completed', 'completed'],
      ['node ', 'more\nnode '],
      ['notes  1 min', '  notes  1 min'],
      ['79dc0b42903ab653 | 79dc0b42903ab653', '79dc0b42903ab653 | 678cfb4bd4a4ba12'],
      ['| - | 79dc0b42903ab653', '| 678cfb4bd4a4ba12 | 79dc0b42903ab653'],
      ['79dc0b42903ab653 | 678cfb4bd4a4ba12', '79dc0b42903ab653 | 79dc0b42903ab653'],
    ]
    for (const [from, to] of changes) {
      expect(AGAIN).to.include(from)
      expect(firstDifference(RECORDED, AGAIN.replace(from, to)), to).not.to.equal(undefined)
    }
    expect(firstDifference(RECORDED.trimEnd(), `${AGAIN}more`)).to.deep.equal({recorded: '(nothing)', now: 'more'})
  })

  it('of the README are printed by commands of the pages', () => {
    const printed = ['docs/demo.md', 'docs/go-back.md'].flatMap((path) => page(path).split('\n'))
    const [, shown = ''] = /^```\n(\$.*?)^```/ms.exec(page('README.md')) ?? []
    const lines = shown.split('\n').filter((line) => line !== '' && !line.startsWith('$ '))
    expect(lines.length).to.be.greaterThan(3)
    expect(lines.filter((line) => !printed.some((other) => firstDifference(line, other) === undefined))).to.deep.equal(
      [],
    )
  })
})

describe('the picture of a terminal', () => {
  const caption = {title: 'A run', description: 'One is < two.'}
  const draw = (output: string): string => terminalPicture('lorchestra run a', output, caption)
  const texts = (picture: string): readonly string[] =>
    [...picture.matchAll(/<text class="(\w+)" x="([\d.]+)" .*?>(.*)<\/text>/g)].map((match) => match.slice(1).join(' '))

  it('has the words, colours and columns of the output, and words for who cannot see it', () => {
    const picture = draw('\u001B[33m=== a ===\u001B[39m (x)\n  \u001B[31m"<b>"\u001B[39m → \u001B[32m1 & 2\u001B[39m\n')
    expect(texts(picture)).to.deep.equal([
      'command 18.0 $ lorchestra run a',
      'warning 18.0 === a ===',
      'text 96.0 (x)',
      'bad 33.6 "&lt;b&gt;"',
      'text 80.4 →',
      'good 96.0 1 &amp; 2',
    ])
    expect(picture).to.match(/<title id="title">A run<\/title>\n<desc id="description">One is &lt; two\.<\/desc>/)
  })

  it('is not drawn where it would leave something out', () => {
    expect(() => draw('a'.repeat(109))).to.throw('109 columns')
    expect(() => draw('\u001B[35ma\u001B[39m')).to.throw('no picture has style 35')
    expect(() => draw('\u001B[2Ka')).to.throw('more than colours')
  })

  it('can be read on both of its grounds', () => {
    const [light = '', dark = ''] = (/<style>(.*)<\/style>/.exec(draw('a'))?.[1] ?? '').split('@media')
    for (const rules of [light, dark]) {
      const [ground = '', ...letters] = [
        ...rules.matchAll(/\.(?:window|command,\.text|quiet|good|bad|warning|active)\{fill:(#\w{6})/g),
      ].map((match) => match[1] ?? '')
      expect(letters.length).to.equal(6)
      for (const colour of letters) expect(contrast(ground, colour), `${colour} on ${ground}`).to.be.at.least(4.5)
    }
  })
})

/** As WCAG 2 reckons it. */
function contrast(one: string, other: string): number {
  const [bright = 0, dim = 0] = [one, other].map(luminance).toSorted((a, b) => b - a)
  return (bright + 0.05) / (dim + 0.05)
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
