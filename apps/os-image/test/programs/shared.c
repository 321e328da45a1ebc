/*
 * A dynamically linked program: the interpreter, shared libraries, thread-local storage, threads, a constructor, lazy
 * binding, floating point through libm. Prints what a static one would.
 */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static __thread int own = 5;
static int constructed;

__attribute__((constructor)) static void construct(void)
{
	constructed = 1;
}

static void bye(void)
{
	puts("bye");
}

static void *work(void *arg)
{
	own += *(int *)arg;
	double *result = malloc(sizeof *result);
	*result = sqrt(own) + cos(0);
	return result;
}

int main(int argc, char **argv)
{
	pthread_t threads[4];
	int numbers[4] = { 4, 11, 20, 31 };
	atexit(bye);
	printf("%d %d %s\n", constructed, argc, strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0]);
	for (int i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, work, &numbers[i]) != 0)
			return 1;
	for (int i = 0; i < 4; i++) {
		void *result;
		pthread_join(threads[i], &result);
		printf("%g ", *(double *)result);
		free(result);
	}
	printf("%d\n", own);
	return 6;
}
