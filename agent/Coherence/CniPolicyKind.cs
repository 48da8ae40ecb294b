namespace OnCache.Agent.Coherence;

/// <summary>A kind whose objects a CNI decides by, beside NetworkPolicy.</summary>
/// <param name="Group">Its API group.</param>
/// <param name="Plural">Its plural, as in paths.</param>
internal sealed record CniPolicyKind(string Group, string Plural)
{
    // Policies of these kinds are about pods of their own namespace. Sets of addresses and groups, which policies refer to from anywhere, are not here.
    private static readonly HashSet<string> s_confined = new(StringComparer.Ordinal)
    {
        "networkpolicies.crd.antrea.io",
        "networkpolicies.crd.projectcalico.org",
        "networkpolicies.projectcalico.org",
        "ciliumnetworkpolicies.cilium.io",
    };

    /// <summary>The kinds of Antrea, Calico, Cilium and of the policy API for administrators.</summary>
    public static IReadOnlyList<CniPolicyKind> Known { get; } =
    [
        .. new[]
        {
            "networkpolicies.crd.antrea.io", "clusternetworkpolicies.crd.antrea.io", "tiers.crd.antrea.io", "groups.crd.antrea.io",
            "clustergroups.crd.antrea.io", "networkpolicies.crd.projectcalico.org", "globalnetworkpolicies.crd.projectcalico.org",
            "networksets.crd.projectcalico.org", "globalnetworksets.crd.projectcalico.org", "tiers.crd.projectcalico.org",
            "networkpolicies.projectcalico.org", "globalnetworkpolicies.projectcalico.org", "networksets.projectcalico.org",
            "globalnetworksets.projectcalico.org", "tiers.projectcalico.org", "ciliumnetworkpolicies.cilium.io",
            "ciliumclusterwidenetworkpolicies.cilium.io", "ciliumcidrgroups.cilium.io", "adminnetworkpolicies.policy.networking.k8s.io",
            "baselineadminnetworkpolicies.policy.networking.k8s.io", "clusternetworkpolicies.policy.networking.k8s.io",
        }.Select(static name => Parse(name)!),
    ];

    /// <summary>Whether objects of a namespace are about pods of that namespace only.</summary>
    public bool IsConfined => s_confined.Contains(ToString());

    /// <summary>Reads <c>plural.group</c>, the form in which definitions are named; null when it is none.</summary>
    public static CniPolicyKind? Parse(string text)
    {
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && dot < text.Length - 1
            && text.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '-')
                ? new CniPolicyKind(text[(dot + 1)..], text[..dot])
                : null;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Plural}.{Group}";
}
