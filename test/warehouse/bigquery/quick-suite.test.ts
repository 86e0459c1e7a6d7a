import {readdir, readFile} from 'node:fs/promises'

import {expect} from 'chai'

const SUPPORT = 'test/support'

describe('the quick suites of BigQuery', () => {
  it('run one test of each suite that is too long for them', async () => {
    const {grep} = JSON.parse(await readFile('.mocharc.bigquery-quick.json', 'utf8')) as {grep: string}
    const contracts = (await readdir(SUPPORT)).filter((name) => name.endsWith('-contract.ts'))
    const texts = await Promise.all(contracts.map((name) => readFile(`${SUPPORT}/${name}`, 'utf8')))
    const titles = texts.flatMap((text) => [...text.matchAll(/^ {2}it\('([^']+)'/gm)].map(([, title]) => title ?? ''))
    const found = grep.split('|').map((words) => titles.filter((title) => title.includes(words)).length)
    expect(found).to.deep.equal(grep.split('|').map(() => 1))
  })
})
