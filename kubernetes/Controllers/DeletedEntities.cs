using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;

namespace OnCache.Kubernetes.Controllers;

/// <summary>The last states of objects that are gone and not yet reported: of one name there may be several.</summary>
internal sealed class DeletedEntities<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    private readonly Lock _lock = new();
    private readonly Dictionary<NamespacedName, Queue<TEntity>> _gone = [];

    public void Add(TEntity entity)
    {
        lock (_lock)
        {
            var name = NamespacedName.Of(entity);
            if (!_gone.TryGetValue(name, out var queue))
            {
                _gone[name] = queue = new Queue<TEntity>();
            }

            queue.Enqueue(entity);
        }
    }

    /// <summary>The first of a name, which stays until <see cref="Remove"/>.</summary>
    public TEntity? Peek(NamespacedName name)
    {
        lock (_lock)
        {
            return _gone.TryGetValue(name, out var queue) ? queue.Peek() : null;
        }
    }

    public void Remove(NamespacedName name)
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
