import { parseArgs } from 'node:util'
import type { Command } from 'commander'
