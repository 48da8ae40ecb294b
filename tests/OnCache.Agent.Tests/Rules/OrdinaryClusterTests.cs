namespace OnCache.Agent.Tests.Rules;

/// <summary>What ordinary node software puts into netfilter, loaded by the real programs: what of it a cached verdict does not carry.</summary>
public sealed class OrdinaryClusterTests
{
    /// <summary>Fixtures that keep something off the fast path, and why; all others keep nothing.</summary>
    private static readonly Dictionary<string, string[]> s_kept = new(StringComparer.Ordinal)
    {
        ["calico-iptables-qos"] = ["Flows: limit", "ShortConnections: counts connections", "ShortConnections: limit"],
        // By a mark that Cilium's own programs on the pods' veths set: with these a pod is not accelerated in any case.
        ["cilium-chaining"] = ["Flows: diverts packets", "ShortConnections: diverts packets"],
        // Sets that forget addresses are asked for denial alone; that they deny one more is heard.
        ["crowdsec"] = [],
        ["ufw-logging-high"] = ["Flows: limit", "Flows: log", "ShortConnections: limit", "ShortConnections: log"],
    };

    /// <summary>What a connection's first packet has to meet; flows do not.</summary>
    private static readonly HashSet<string> s_firstPackets = new(StringComparer.Ordinal) { "k3s", "kube-router", "weave-npc", "ufw", "firewalld-logdenied" };

    public static TheoryData<string, bool> Fixtures()
    {
        var data = new TheoryData<string, bool>();
        foreach (var folder in Directory.GetDirectories(Folder()).Order(StringComparer.Ordinal))
        {
            data.Add(Path.GetFileName(folder), false);
            if (File.Exists(Path.Combine(folder, "iptables.rules")))
            {
                data.Add(Path.GetFileName(folder), true);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Fixtures))]
    public void Flows_of_pods_are_carried(string fixture, bool legacy)
    {
        using var rules = Loaded(fixture, legacy);

        var kept = NodeRules.Kept(rules.View(), NodeRules.Pod, NodeRules.Routed);

        var flows = kept.Where(static reason => reason.StartsWith("Flows", StringComparison.Ordinal));
        flows.ShouldBe(s_kept.GetValueOrDefault(fixture, []).Where(static reason => reason.StartsWith("Flows", StringComparison.Ordinal)), customMessage: string.Join('\n', rules.View().Regions));
        if (!s_kept.ContainsKey(fixture) && !s_firstPackets.Contains(fixture))
        {
            kept.ShouldBeEmpty();
        }
    }

    internal static NodeRules Loaded(string fixture, bool legacy)
    {
        var rules = NodeRules.Create();
        try
        {
            var folder = Path.Combine(Folder(), fixture);
            if (File.Exists(Path.Combine(folder, "ipset.save")))
            {
                Assert.SkipUnless(File.Exists("/usr/sbin/ipset"), "needs ipset (Debian package ipset)");
                _ = rules.Space.Do("ipset", "restore", File.ReadAllText(Path.Combine(folder, "ipset.save")));
            }

            if (File.Exists(Path.Combine(folder, "iptables.rules")))
            {
                _ = rules.Space.Do(legacy ? "iptables-legacy-restore" : "iptables-nft-restore", "", File.ReadAllText(Path.Combine(folder, "iptables.rules")));
            }

            if (File.Exists(Path.Combine(folder, "nftables.nft")))
            {
                _ = rules.Space.Do("nft", "-f -", File.ReadAllText(Path.Combine(folder, "nftables.nft")));
            }

            return rules;
        }
        catch
        {
            rules.Dispose();
            throw;
        }
    }

    private static string Folder() => Path.Combine(AppContext.BaseDirectory, "Rules", "Fixtures");
}
