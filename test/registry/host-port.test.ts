import assert from 'node:assert/strict'
import test from 'node:test'
import {
  formatHostPort,
  parseHostPort,
  REGISTRY_PORT_DEFAULT,
} from '../../src/registry/host-port.js'
import { refusal } from './world.js'

test('host-port: a host with or without a port', () => {
  assert.deepEqual(parseHostPort('10.0.0.1:7'), { host: '10.0.0.1', port: 7 })
  assert.deepEqual(parseHostPort('a-b.local'), { host: 'a-b.local', port: REGISTRY_PORT_DEFAULT })
  assert.deepEqual(parseHostPort('a', 5), { host: 'a', port: 5 })
  assert.throws(() => parseHostPort('a', null), refusal('BAD_ARGUMENT', 'port is missing'))
})

test('host-port: IPv6 stands in brackets, both ways', () => {
  assert.deepEqual(parseHostPort('[::1]:80'), { host: '::1', port: 80 })
  assert.deepEqual(parseHostPort('[fe80::1]'), { host: 'fe80::1', port: REGISTRY_PORT_DEFAULT })
  assert.equal(formatHostPort('::1', 80), '[::1]:80')
  assert.equal(formatHostPort('10.0.0.1', 80), '10.0.0.1:80')
  assert.throws(() => parseHostPort('::1'), refusal('BAD_ARGUMENT', '[::1]:PORT'))
})

test('host-port: everything else is refused, with the text', () => {
  const ports = ['', ':80', 'a:', 'a:0', 'a:65536', 'a:x', 'a:-1', 'a:1:2', '[::1]80']
  const texts = [...ports, 'a b:1', '[a]:1', '[::1']
  for (const text of texts) {
    assert.throws(() => parseHostPort(text), refusal('BAD_ARGUMENT', `"${text}"`), text)
  }
})
