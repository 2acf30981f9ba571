// Command empty does nothing: what starting a static Go program costs at the least.
package main

func main() {}
