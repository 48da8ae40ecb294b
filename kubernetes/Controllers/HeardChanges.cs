using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Watching;

namespace OnCache.Kubernetes.Controllers;

/// <summary>
/// How far a controller has heard the changes of its cache, which runs ahead of them: the last states of objects that are gone and not yet
/// reported (of one name there may be several), and which object now bears a name. It keeps a new object from being worked on while its
/// predecessor's end is still unheard.
/// </summary>
internal sealed class HeardChanges<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    private readonly Lock _lock = new();
    private readonly Dictionary<NamespacedName, Queue<TEntity>> _gone = [];
    private readonly Dictionary<NamespacedName, string?> _bearers = [];
    private readonly HashSet<NamespacedName> _awaited = [];

    /// <summary>Takes in the next change.</summary>
    /// <returns>Whether somebody was sent away by <see cref="IsHeard"/> to wait for it.</returns>
    public bool Hear(ResourceChange<TEntity> change)
    {
        var name = NamespacedName.Of(change.Entity);
        lock (_lock)
        {
            if (change.Kind != ChangeKind.Deleted)
            {
                _bearers[name] = change.Entity.Metadata.Uid;
                return _awaited.Remove(name);
            }

            _ = _bearers.Remove(name);
            if (!_gone.TryGetValue(name, out var queue))
            {
                _gone[name] = queue = new Queue<TEntity>();
            }

            queue.Enqueue(change.Entity);
            return _awaited.Remove(name);
        }
    }

    /// <summary>
    /// Whether the changes up to the addition of this object have been heard, so that <see cref="Gone"/> knows of all its predecessors.
    /// </summary>
    public bool IsHeard(TEntity entity)
    {
        var name = NamespacedName.Of(entity);
        lock (_lock)
        {
            if (_bearers.TryGetValue(name, out var uid) && uid == entity.Metadata.Uid)
            {
                return true;
            }

            _ = _awaited.Add(name);
            return false;
        }
    }

    /// <summary>The first of a name that is gone, which stays until <see cref="Reported"/>.</summary>
    public TEntity? Gone(NamespacedName name)
    {
        lock (_lock)
        {
            return _gone.TryGetValue(name, out var queue) ? queue.Peek() : null;
        }
    }

    /// <summary>The first of a name that is gone has been reported.</summary>
    public void Reported(NamespacedName name)
    {
        lock (_lock)
        {
            if (_gone.TryGetValue(name, out var queue) && queue.Dequeue() is not null && queue.Count == 0)
            {
                _ = _gone.Remove(name);
            }
        }
    }
}
