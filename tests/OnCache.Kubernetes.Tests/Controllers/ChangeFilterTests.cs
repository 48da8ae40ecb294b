using OnCache.Kubernetes.Controllers;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Tests.Fakes;
using OnCache.Kubernetes.Watching;

namespace OnCache.Kubernetes.Tests.Controllers;

public sealed class ChangeFilterTests
{
    private static readonly V1ObjectMeta Before = new()
    {
        Name = "a",
        ResourceVersion = "1",
        Generation = 1,
        Labels = new Dictionary<string, string> { ["x"] = "1" },
        Finalizers = ["f"],
    };

    public static TheoryData<V1ObjectMeta, bool> Changes { get; } = new()
    {
        { Before with { ResourceVersion = "2" }, false },
        { Before with { Labels = new Dictionary<string, string> { ["x"] = "1" }, Annotations = new Dictionary<string, string>() }, false },
        { Before with { Generation = 2 }, true },
        { Before with { Generation = null }, true },
        { Before with { DeletionTimestamp = DateTimeOffset.UnixEpoch }, true },
        { Before with { Labels = new Dictionary<string, string> { ["x"] = "2" } }, true },
        { Before with { Labels = null }, true },
        { Before with { Annotations = new Dictionary<string, string> { ["y"] = "1" } }, true },
        { Before with { Finalizers = null }, true },
    };

    [Theory]
    [MemberData(nameof(Changes), DisableDiscoveryEnumeration = true)]
    public void A_change_of_the_status_alone_is_ignored(V1ObjectMeta after, bool expected) =>
        ChangeFilter.IgnoreStatus(new ResourceChange<Widget>(
            ChangeKind.Modified,
            new Widget { Metadata = after },
            new Widget { Metadata = Before })).ShouldBe(expected);

    [Fact]
    public void Additions_and_deletions_pass()
    {
        var widget = new Widget { Metadata = Before };

        ChangeFilter.IgnoreStatus(new ResourceChange<Widget>(ChangeKind.Added, widget, Previous: null)).ShouldBeTrue();
        ChangeFilter.IgnoreStatus(new ResourceChange<Widget>(ChangeKind.Deleted, widget, widget)).ShouldBeTrue();
    }
}
