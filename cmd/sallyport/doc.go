// Sallyport is the portal's program: flags, configuration, wiring, one file a subcommand. Nothing imports it, and it decides nothing about
// the product; it reads the environment and signals, which nothing else does.
package main
