/* SPDX-License-Identifier: Apache-2.0
 *
 * The program: everything it does is in the library. */
#include "bakery/cli.h"

int main(int argc, char **argv)
{
	return cli_main(argc, argv);
}
