using OnCache.Kubernetes.NetworkPolicies;

namespace OnCache.Kubernetes.Tests.NetworkPolicies;

/// <summary>The semantics that Kubernetes documents, by example. A new example needs no code.</summary>
public sealed class PolicyCaseTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "NetworkPolicies/cases");

    public static TheoryData<string> Cases => [.. Directory.GetFiles(Folder).Select(file => Path.GetFileNameWithoutExtension(file)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Traffic_is_allowed_or_not(string name)
    {
        var item = Read(name);

        foreach (var traffic in item.Traffic)
        {
            PolicyEvaluator.Allows(item.Policies, item.End(traffic.From), item.End(traffic.To), traffic.Parsed).ShouldBe(traffic.Allowed, $"{traffic}");
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void What_is_unrestricted_is_proven(string name)
    {
        var item = Read(name);

        foreach (var (pod, expected) in item.Unrestricted)
        {
            UnrestrictedTraffic.Of(item.Policies, item.Pod(pod)).ShouldBe(expected, pod);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_change_of_a_pod_concerns_the_policies_that_see_a_difference(string name)
    {
        var item = Read(name);

        foreach (var change in item.Changes)
        {
            foreach (var policy in item.Policies)
            {
                PeerChanges.Between(policy, item.Presence(change.Pod, change.Before), item.Presence(change.Pod, change.After))
                    .ShouldBe(change.Expected.GetValueOrDefault(policy.Metadata.Name!), $"{change} for {policy.Metadata.Name}");
            }
        }
    }

    private static PolicyCase Read(string name) => PolicyCase.Read(Path.Combine(Folder, $"{name}.yaml"));
}
