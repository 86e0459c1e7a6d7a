import {expect} from 'chai'

import {LorchestraError} from '../../src/base/errors.ts'
import {proxyFor, settleProxy} from '../../src/base/proxy.ts'

const proxyOf = (address: string, environment: Record<string, string>): string | undefined =>
  proxyFor(new URL(address), environment)?.href

describe('the proxy of the environment', () => {
  for (const name of ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'])
    it(`is found in ${name}, with and without a scheme`, () => {
      for (const written of [
        'http://proxy.example:3128',
        'proxy.example:3128',
        ' PROXY.example:3128 ',
        'http://proxy.example:3128/',
      ])
        expect(proxyOf('https://api.example/', {[name]: written}), written).to.equal('http://proxy.example:3128/')
    })

  it('is the one for https where there are two, and an empty variable is none', () => {
    const environment = {HTTPS_PROXY: 'one.example:1', HTTP_PROXY: 'two.example:2', https_proxy: ''}
    expect(proxyOf('https://api.example/', environment)).to.equal('http://one.example:1/')
    expect(proxyOf('https://api.example/', {HTTPS_PROXY: '', https_proxy: ' '})).to.equal(undefined)
  })

  it('is passed by for this machine, and for what NO_PROXY names', () => {
    const environment = {
      HTTPS_PROXY: 'http://proxy.example',
      NO_PROXY: 'One.example, .two.example *.three.example,four.example:8443',
    }
    for (const past of [
      'http://localhost:8080',
      'http://127.0.0.1',
      'http://[::1]:1',
      'https://one.example',
      'https://a.one.example:444',
      'https://b.two.example',
      'https://c.three.example',
      'https://four.example:8443',
    ])
      expect(proxyOf(past, environment), past).to.equal(undefined)
    for (const through of ['https://done.example', 'https://four.example', 'https://api.example'])
      expect(proxyOf(through, environment), through).to.equal('http://proxy.example/')
    expect(proxyOf('https://api.example', {...environment, no_proxy: '*'})).to.equal(undefined)
  })

  it('is a usage error that quotes nothing where it is no address', () => {
    for (const written of [
      'http://',
      'socks5://secret@proxy.example',
      'http://me:secret%@proxy.example',
      'secret proxy:x',
      '://secret',
    ])
      expect(() => settleProxy({HTTPS_PROXY: written}), written)
        .to.throw(LorchestraError, /^HTTPS_PROXY is not the address of a proxy$/)
        .with.property('outcome', 'usage')
  })

  it('is told to all libraries in the same words', () => {
    const environment: Record<string, string> = {http_proxy: 'proxy.example:3128', no_proxy: 'one.example'}
    settleProxy(environment)
    for (const name of ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'])
      expect(environment[name]).to.equal('http://proxy.example:3128/')
    for (const name of ['NO_PROXY', 'no_proxy'])
      expect(environment[name]).to.equal('one.example,.one.example,localhost,127.0.0.1,[::1]')
    const without: Record<string, string> = {HTTPS_PROXY: 'proxy.example', NO_PROXY: '*'}
    settleProxy(without)
    expect(without).to.deep.equal({NO_PROXY: '*'})
  })
})
