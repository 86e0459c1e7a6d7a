import {appendFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {folderForEachTest} from '../../../test/support/folder.ts'
import {readFiles, rest, writeFiles} from './folder-of-files.ts'

const OPTIONS = {path: 'Takeout/Mail/*.mbox', object: 'email'}
const NAME = 'Takeout/Mail/All mail.mbox'

/** A message as Takeout writes it; its number is that of `1872208dcc053b54` in the Gmail API. */
const TAKEOUT = `From 1761506197640657748@xxx Mon Mar 27 09:41:22 +0000 2023\r
X-GM-THRID: 1761506197640657748\r
X-Gmail-Labels: Inbox,Unread,Category Updates,Opened,"Trips, 2023"\r
Message-ID: <one@example.com>\r
Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=\r
 =?UTF-8?Q?_und_mehr?=\r
Content-Type: multipart/mixed; boundary="b/1"\r
\r
This text is for programs of long ago.\r
--b/1\r
Content-Type: text/plain; charset=iso-8859-1\r
Content-Transfer-Encoding: quoted-printable\r
\r
Gr=FC=DFe, and a lo=\r
ng line\r
--b/1\r
Content-Type: application/pdf\r
Content-Disposition: attachment; filename*0*=utf-8''R%C3%A9;\r
 filename*1="sum.pdf"\r
Content-Transfer-Encoding: base64\r
\r
AAECAwQ=\r
--b/1--\r
\r
`
const OTHER = `From somebody@example.com Tue Jan  2 03:04:05 2018
Message-ID: <two@example.com>
Subject: plain

From here on it is text, at 12:30 in 2018
>From me to you

`

describe('mbox files', () => {
  const folder = folderForEachTest()

  it('give mail of Takeout the keys and the shape of the Gmail API', async () => {
    await writeFiles(folder(), {[NAME]: TAKEOUT})
    const {keys, records, rejected} = await readFiles(folder(), OPTIONS)
    expect(keys).to.deep.equal(['1872208dcc053b54'])
    expect(rejected).to.deep.equal([])
    const [{payload, ...message} = {payload: {}}] = records
    expect(message).to.deep.equal({
      id: '1872208dcc053b54',
      threadId: '1872208dcc053b54',
      labelIds: ['INBOX', 'UNREAD', 'CATEGORY_UPDATES', 'Trips, 2023'],
      sizeEstimate: TAKEOUT.length - TAKEOUT.indexOf('\n') - 1,
      internalDate: String(Date.UTC(2023, 2, 27, 9, 41, 22)),
    })
    const {headers, parts, mimeType} = payload as Record<string, {name?: string; filename?: string; body?: object}[]>
    expect(mimeType).to.equal('multipart/mixed')
    expect(headers?.find(({name}) => name === 'Subject')).to.deep.equal({name: 'Subject', value: 'Grüße und mehr'})
    expect(parts?.map(({filename, body}) => ({filename, body}))).to.deep.equal([
      {filename: '', body: {size: 24, data: Buffer.from('Grüße, and a long line').toString('base64url')}},
      {filename: 'Résum.pdf', body: {size: 5}},
    ])
  })

  it('key other mail by its Message-ID, and what has none by content', async () => {
    await writeFiles(folder(), {[NAME]: `${OTHER}From x Tue Jan  2 03:04:05 2018\nSubject: none\n\ntext\n`})
    const {keys, records} = await readFiles(folder(), OPTIONS)
    expect(keys[0]).to.equal('<two@example.com>')
    expect(keys[1]).to.match(/^[\w-]{43}$/)
    const payload = records[0]?.['payload'] as {readonly body?: {readonly data: string}} | undefined
    expect(Buffer.from(payload?.body?.data ?? '', 'base64url').toString()).to.equal(
      'From here on it is text, at 12:30 in 2018\nFrom me to you\n\n',
    )
  })

  it('are read on where they grew, from the last message on', async () => {
    await writeFiles(folder(), {[NAME]: TAKEOUT + OTHER})
    const {bookmark} = await readFiles(folder(), OPTIONS)
    const more = {...(bookmark !== undefined && {bookmark})}
    expect((await readFiles(folder(), OPTIONS, more)).keys).to.deep.equal([])
    await appendFile(join(folder(), NAME), OTHER.replaceAll('two', 'three'))
    await rest(join(folder(), NAME))
    expect((await readFiles(folder(), OPTIONS, more)).keys).to.deep.equal(['<two@example.com>', '<three@example.com>'])
  })

  it('are rejected where they are none, and lose no message at the seams of what is read at once', async () => {
    const many = Array.from({length: 700}, (_none, index) =>
      OTHER.replaceAll('two', `message-${index}`).replace('me to you', 'x'.repeat(index * 9)),
    )
    await writeFiles(folder(), {'Takeout/Mail/a.mbox': 'Subject: no mbox\n\ntext\n', [NAME]: many.join('')})
    const {keys, rejected} = await readFiles(folder(), OPTIONS)
    expect(rejected).to.deep.equal([
      'Takeout/Mail/a.mbox:1 it is no mbox: no line that begins with From and has a time',
    ])
    expect(new Set(keys).size).to.equal(700)
  })
})
