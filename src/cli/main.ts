#!/usr/bin/env node
import { parseCommandLine } from './args.js';
import { runDemo } from './demo.js';
import { runDoctor } from './doctor.js';
import { CliError, EXIT_VIOLATION, messageOf } from './errors.js';
import { runReplayCommand } from './replay.js';
import { runTune } from './tune.js';

async function main(args: readonly string[]): Promise<number> {
  const commandLine = parseCommandLine(args);
  if (commandLine.command === 'help') {
    process.stdout.write(commandLine.text);
    return 0;
  }
  if (commandLine.command === 'replay') {
    await runReplayCommand(commandLine.options, process);
    return 0;
  }
  if (commandLine.command === 'tune') {
    await runTune(commandLine.options, process);
    return 0;
  }
  if (commandLine.command === 'doctor') {
    runDoctor(commandLine.options.json, process);
    return 0;
  }
  return runDemo(commandLine.options, {
    stdout: process.stdout,
    stderr: process.stderr,
    now: () => performance.now(),
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`velocache: ${messageOf(error)}\n`);
  process.exitCode = error instanceof CliError ? error.exitCode : EXIT_VIOLATION;
}
