// Runs every test that the other files registered. Usage: tests [part of a claim]
#include "test/native/check.h"

int main(int argc, char** argv) { return native_test::runRegistered(argc, argv); }
