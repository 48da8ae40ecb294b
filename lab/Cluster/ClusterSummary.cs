namespace OnCache.Lab.Cluster;

/// <summary>One cluster in a list.</summary>
/// <param name="State">up, stale (its owner has died), incomplete, or dead (none of its processes runs, as after a restart of the machine).</param>
/// <param name="Processes">Names of those that run.</param>
public sealed record ClusterSummary(string Name, string State, int Nodes, IReadOnlyList<string> Processes)
{
    public static ClusterSummary Of(string name)
    {
        var running = new Daemons(new ClusterNames(name)).ListRunning();
        if (ClusterState.Read(name) is not { } state)
        {
            return new ClusterSummary(name, "incomplete", 0, running);
        }

        var word = state.Owner is { IsAlive: false } ? "stale" : !state.Complete ? "incomplete" : running.Count == 0 ? "dead" : "up";
        return new ClusterSummary(name, word, state.Nodes, running);
    }

    public override string ToString() => $"{Name}: {State}, {Nodes} nodes{(Processes.Count == 0 ? "" : $", {string.Join(' ', Processes)}")}";
}
