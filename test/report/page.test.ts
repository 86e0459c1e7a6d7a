import {createHash} from 'node:crypto'

import {expect} from 'chai'

import {html} from '../../src/report/page/html.ts'
import {pageOf} from '../../src/report/page/page.ts'
import {binsOf} from '../../src/report/page/run-bins.ts'
import {timeAxis} from '../../src/report/page/time-axis.ts'
import {formatSeconds} from '../../src/report/page/words.ts'
import {rejectsByReason} from '../../src/report/read-report.ts'
import {emptyReport, fullReport, HOSTILE} from '../support/sample-report.ts'

const tagsOf = (page: string): readonly string[] =>
  [...new Set([...page.matchAll(/<([a-zA-Z]+)/g)].map(([, tag = '']) => tag))].toSorted()

describe('the page of a report', () => {
  it('has the same elements whatever things are called, and shows names as they are', () => {
    const page = pageOf(fullReport(HOSTILE))
    expect(tagsOf(page)).to.deep.equal(tagsOf(pageOf(fullReport('invoices'))))
    expect(page).to.include('&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload=&#39;x&#39;')
    expect(page).not.to.match(/<script|\sonload=['"]/)
    expect(page).to.include('\\u202egnp.\\u0007')
    for (const character of '\u202E\u0007') expect(page).not.to.include(character)
  })

  it('may use its own style and nothing else', () => {
    const page = pageOf(fullReport('invoices'))
    const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(page) ?? []
    const [, policy = ''] = /http-equiv="Content-Security-Policy"\s+content="([^"]*)"/.exec(page) ?? []
    const hash = createHash('sha256').update(style).digest('base64')
    expect(policy).to.equal(
      `default-src &#39;none&#39;; style-src &#39;sha256-${hash}&#39;; img-src data:; base-uri &#39;none&#39;; form-action &#39;none&#39;`,
    )
    expect(page).not.to.match(/\b(?:src|href)="(?!#|data:,)/)
    expect(page).not.to.match(/url\(|@import|\sstyle=/)
  })

  it('marks each gap, and says how far a stream is covered', () => {
    const page = pageOf(fullReport('invoices'))
    expect(page.match(/<title>Gap: 2026-01-10 06:00 UTC to 2026-01-19 06:00 UTC<.title>/g)).to.have.length(1)
    expect(page).to.include('gmail--acct1/email: covered in 2 windows, up to 2026-03-01 01:12 UTC; 1 gap')
  })

  it('says what there is not, where nothing was ever written', () => {
    const page = pageOf(emptyReport())
    for (const words of ['Nothing has been covered yet.', 'The event log knows of no run yet.', 'not there yet'])
      expect(page).to.include(words)
  })

  it('holds rows of a diff only where the document does', () => {
    const {plan, ...report} = fullReport('invoices')
    expect(pageOf({...report, plan})).to.include('person4@example.com')
    const without = plan === null ? null : {...plan, diff: {...plan.diff, samples: []}}
    expect(pageOf({...report, plan: without})).not.to.include('person4@example.com')
  })
})

describe('what a page is made of', () => {
  it('escapes texts and leaves out what is undefined', () => {
    const made = html`<b title="${'"'}">${'<&>'}${undefined}${[html`<i>${1 / 3}</i>`]}</b>`
    expect(made.text).to.equal('<b title="&quot;">&lt;&amp;&gt;<i>0.333</i></b>')
  })

  it('shows a lone surrogate as a character that is none', () => {
    expect(html`${'\uD800'}`.text).to.equal('\uFFFD')
  })

  it('puts every run into one bin, also where there is one instant alone', () => {
    const {runs} = fullReport('invoices')
    const bins = binsOf(runs)
    expect(bins.flatMap((bin) => bin.runs)).to.have.members(runs)
    expect(bins.length).to.be.within(10, 100)
    expect(binsOf(runs.slice(0, 1)).map((bin) => bin.runs.length)).to.deep.equal([1])
    expect(binsOf([])).to.deep.equal([])
  })

  it('has a line of time for a moment and for a century', () => {
    for (const span of [0, 1, 60_000, 86_400_000, 3_155_760_000_000]) {
      const axis = timeAxis(1000, 1000 + span)
      expect(axis.at(1000 + span)).to.equal(100)
      expect(axis.ticks.length).to.be.within(1, 14)
    }
  })

  it('says durations as people do', () => {
    expect([0, 1.25, 59, 60, 3661, 90_000].map(formatSeconds)).to.deep.equal([
      '0 s',
      '1.3 s',
      '59 s',
      '1 min',
      '1 h 1 min',
      '1 d 1 h',
    ])
  })

  it('puts rejects together whose reasons differ in numbers alone', () => {
    const stream = {sourceSystem: 'notes', objectType: 'note'}
    const reject = {runId: 'one', stream, reference: 'a', open: true}
    const kinds = rejectsByReason('diary', [
      {...reject, reason: '12 bytes are too many', at: '2026-01-02T00:00:00.000Z'},
      {...reject, reason: '13 bytes are too many', at: '2026-01-01T00:00:00.000Z'},
    ])
    expect(kinds.map(({reason, count, newest}) => [reason, count, newest])).to.deep.equal([
      ['… bytes are too many', 2, '2026-01-02T00:00:00.000Z'],
    ])
  })
})
