/* What starting and ending a program costs: the floor under every measurement. */

int main(void)
{
    return 0;
}
