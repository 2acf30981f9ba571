package store_test

func fillDisk() { panic("not on Windows") }
