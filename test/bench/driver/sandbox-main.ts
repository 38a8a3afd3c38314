/** Starts two processes in a sandbox, says which and where, and waits to be interrupted. For sandbox.test.ts. */

import { Sandbox } from '../../../bench/sandbox.js'

const sandbox = new Sandbox(process.argv[2] ?? '')
const servers = [1, 2].map((each) => sandbox.start(`server-${each}`, 'sleep', ['300']))
sandbox.makeFolder('data')
process.stdout.write(`${JSON.stringify({ folder: sandbox.folder, pids: servers.map(({ child }) => child.pid) })}\n`)
setInterval(() => undefined, 1000)
