using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Tests.Fakes;
using OnCache.Kubernetes.Watching;

namespace OnCache.Kubernetes.Tests.Watching;

using Content = ImmutableDictionary<NamespacedName, V1ConfigMap>;

/// <summary>What holds of every step of a cache.</summary>
public sealed class CacheTransitionProperties
{
    private static readonly Gen<V1ConfigMap> Objects =
        from name in Gen.Elements("a", "b", "c", "d")
        from uid in Gen.Elements("1", "2")
        from version in Gen.Elements("1", "2", "3")
        select Samples.Map(name, $"{uid}{version}", uid);

    private static readonly Gen<V1ConfigMap[]> Lists =
        Objects.ListOf().Select(list => list.DistinctBy(NamespacedName.Of).ToArray());

    private static readonly Gen<WatchEvent<V1ConfigMap>> Events =
        from type in Gen.Elements(Enum.GetValues<WatchEventType>())
        from entity in Objects
        select new WatchEvent<V1ConfigMap>(type, entity);

    [Fact]
    public void Whoever_follows_the_changes_of_a_list_ends_with_the_list() =>
        Prop.ForAll(Lists.ToArbitrary(), Lists.ToArbitrary(), (before, after) =>
        {
            var (content, changes) = CacheTransition.Relist(From(before), after);
            return Same(content, From(after)) && Same(Follow(before, changes), content);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Whoever_follows_the_changes_of_events_ends_with_the_content() =>
        Prop.ForAll(Lists.ToArbitrary(), Events.ListOf().ToArbitrary(), (before, events) =>
        {
            var content = From(before);
            var followed = content;
            foreach (var received in events)
            {
                (content, var changes) = CacheTransition.Apply(content, received);
                followed = Follow([.. followed.Values], changes);
            }

            return Same(content, followed);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_same_list_again_changes_nothing() =>
        Prop.ForAll(Lists.ToArbitrary(), list => CacheTransition.Relist(From(list), list).Changes.Count == 0).QuickCheckThrowOnFailure();

    [Fact]
    public void What_was_deleted_while_away_is_reported_first()
    {
        var (_, changes) = CacheTransition.Relist(
            From([Samples.Map("gone"), Samples.Map("stays"), Samples.Map("changed")]),
            [Samples.Map("new"), Samples.Map("stays"), Samples.Map("changed", "2")]);

        changes[0].Kind.ShouldBe(ChangeKind.Deleted);
        changes[0].Entity.Metadata.Name.ShouldBe("gone");
        changes.Skip(1).Select(change => (change.Kind, change.Entity.Metadata.Name!)).ShouldBe(
            [(ChangeKind.Added, "new"), (ChangeKind.Modified, "changed")],
            ignoreOrder: true);
    }

    [Fact]
    public void A_new_object_under_an_old_name_is_a_deletion_and_an_addition()
    {
        var (_, changes) = CacheTransition.Apply(
            From([Samples.Map("a", uid: "old")]),
            new WatchEvent<V1ConfigMap>(WatchEventType.Modified, Samples.Map("a", "2", uid: "new")));

        changes.Select(change => (change.Kind, change.Entity.Metadata.Uid!))
            .ShouldBe([(ChangeKind.Deleted, "old"), (ChangeKind.Added, "new")]);
    }

    private static Content From(IEnumerable<V1ConfigMap> list) => list.ToImmutableDictionary(NamespacedName.Of);

    private static bool Same(Content one, Content other) =>
        one.Count == other.Count && one.All(pair => other.TryGetValue(pair.Key, out var twin) && twin == pair.Value);

    // Strict on purpose: an addition of what is known or a change of what is not would mislead a subscriber.
    private static Content Follow(IEnumerable<V1ConfigMap> before, IReadOnlyList<ResourceChange<V1ConfigMap>> changes)
    {
        var content = From(before).ToBuilder();
        foreach (var change in changes)
        {
            var name = NamespacedName.Of(change.Entity);
            switch (change.Kind)
            {
                case ChangeKind.Added:
                    content.Add(name, change.Entity);
                    break;
                case ChangeKind.Modified:
                    content[name].Metadata.Uid.ShouldBe(change.Entity.Metadata.Uid);
                    content[name].ShouldBe(change.Previous);
                    content[name] = change.Entity;
                    break;
                default:
                    content.Remove(name).ShouldBeTrue();
                    break;
            }
        }

        return content.ToImmutable();
    }
}
