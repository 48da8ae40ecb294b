// Every class brings up labs of its own, and all of them share the machine's cores.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
